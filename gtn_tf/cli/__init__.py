"""`python -m gtn_tf.cli`: one file for each command."""

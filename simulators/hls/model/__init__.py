"""The rules of Merlin and the synthesis tool, over terms; and the compiled loop that works terms out for designs."""

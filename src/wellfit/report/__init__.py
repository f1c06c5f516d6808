"""What a person sees of a run: progress while it lasts, a page and lines of text when it is done."""

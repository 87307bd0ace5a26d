"""What a machine needs to run the whole board by itself: an embedded broker, a supervisor, a connection splitter."""

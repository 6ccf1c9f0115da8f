"""The server: processes, complete requests, fair shares of the threads."""

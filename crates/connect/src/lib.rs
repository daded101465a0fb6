//! The way in: listeners, HTTP and WebSocket, who is speaking, the life of a connection.

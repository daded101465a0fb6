//! AsyncAPI 3.0

//! OpenAPI 3.1

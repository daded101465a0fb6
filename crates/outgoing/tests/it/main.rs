//! The client for requests to other servers, as hostile people use it.

mod bounds;
mod corpus;
mod redirects;
mod stubs;

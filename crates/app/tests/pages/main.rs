//! The pages that tell people what to type, followed to the letter.

mod chat_server;
mod dreametrix;
mod many_nodes;
mod matcha;
mod quickstart;
mod shell;

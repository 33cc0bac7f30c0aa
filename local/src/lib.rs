//! The API as one local process: the deployed routers behind a local API Gateway, on an embedded engine that is
//! compatible with DynamoDB, with its WebSocket API and its stream. Nothing of this crate runs on AWS. The test suite
//! uses the engine, the gateway, the sockets, the stream and the table's definition as a library.

pub mod asyncapi;
pub mod check;
pub mod engine;
pub mod function;
pub mod gateway;
pub mod openapi;
pub mod private;
pub mod sockets;
pub mod stream;
pub mod template;

//! The API as one local process: the deployed routers behind a local API Gateway, on an embedded engine that is
//! compatible with DynamoDB. Nothing of this crate runs on AWS. The test suite uses the engine, the gateway and the
//! table's definition as a library.

pub mod asyncapi;
pub mod check;
pub mod engine;
pub mod gateway;
pub mod openapi;
pub mod private;
pub mod template;

//! Realtime delivery: the frames that clients get over WebSocket, the events of API Gateway's WebSocket API, and the
//! clients of the services that `realtime` and `deliver` use.

mod client_frames;
mod connections;
pub mod event;
pub mod frames;
mod queue;

pub use self::{
    client_frames::ClientFrame,
    connections::{ApiGateway, Connections, MAX_MESSAGE, PostError},
    queue::{Queue, QueueError, Sqs},
};

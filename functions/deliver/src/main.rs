//! The `deliver` function on AWS Lambda.

use std::sync::Arc;

use deliver::Deliver;
use shared::{
    App, config,
    lambda::{Error, run_events},
    realtime::{ApiGateway, Sqs},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let connections = Arc::new(ApiGateway::from_env(&config::required("CONNECTIONS_URL")?));
    let dead_letters = Arc::new(Sqs::from_env(&config::required("DEAD_LETTERS_URL")?));
    let cleanups = Arc::new(Sqs::from_env(&config::required("CLEANUPS_URL")?));
    let deliver = Deliver { app: App::of_events_from_env()?, connections, dead_letters, cleanups };
    run_events(move |event| {
        let deliver = deliver.clone();
        Box::pin(async move { deliver.handle(event).await })
    })
    .await
}

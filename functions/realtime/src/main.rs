//! The `realtime` function on AWS Lambda.

use std::sync::Arc;

use realtime::Realtime;
use shared::{
    App, config,
    lambda::{Error, run_with_sockets},
    realtime::ApiGateway,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let connections = Arc::new(ApiGateway::from_env(&config::required("CONNECTIONS_URL")?));
    let app = App::from_env().await?;
    let router = realtime::router(&app);
    let realtime = Realtime { app, connections };
    run_with_sockets(router, move |event| {
        let realtime = realtime.clone();
        Box::pin(async move { realtime.answer(event).await })
    })
    .await
}

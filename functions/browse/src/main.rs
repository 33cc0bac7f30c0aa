//! The `browse` function on AWS Lambda.

use lambda_http::{Error, run};
use shared::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_env().await?;
    run(browse::router(&app)).await
}

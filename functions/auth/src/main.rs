//! The `auth` function on AWS Lambda.

use lambda_http::{Error, run};
use shared::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::signing_from_env().await?;
    run(auth::router(&app)).await
}

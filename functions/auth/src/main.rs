//! The `auth` function on Lambda.

use lambda_http::{Error, run};
use shared::{App, auth::keys};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = App::from_env().await?;
    keys::publish(&app).await?;
    run(auth::router(app)).await
}

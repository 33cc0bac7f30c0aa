//! The `auth` function on AWS Lambda.

use shared::{
    App,
    lambda::{Error, run},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::signing_from_env().await?;
    run(auth::router(&app)).await
}

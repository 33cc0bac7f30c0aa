//! The `moderation` function on AWS Lambda.

use shared::{
    App,
    lambda::{Error, run},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_env().await?;
    run(moderation::router(&app)).await
}

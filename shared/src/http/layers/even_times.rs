//! The time of a 404, and of a 400, which a field with a hidden resource gets. The server reads a conversation at the
//! same time as the membership that decides about it, so an answer about a conversation that exists would take longer
//! than one about a conversation that does not. A stranger must not see a difference.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use tokio::time::{Instant, sleep_until};

/// The time of an answer about a hidden resource is a multiple of this duration. Its reads run in parallel and take 3 to
/// 9 ms on AWS, so nearly all answers take this long.
const STEP: Duration = Duration::from_millis(25);

/// Sends each 404 and 400 of a route after a multiple of [`STEP`]. A path without a route hides nothing.
pub(super) async fn even_out(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let is_route = request.extensions().get::<MatchedPath>().is_some();
    let response = next.run(request).await;
    if is_route && matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST) {
        sleep_until(begun + evened(begun.elapsed())).await;
    }
    response
}

/// Returns the next multiple of [`STEP`].
fn evened(taken: Duration) -> Duration {
    let steps = taken.as_micros() / STEP.as_micros() + 1;
    u32::try_from(steps).map_or(taken, |steps| STEP * steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        for (taken, sent) in [(0, 25), (24, 25), (25, 50), (30, 50), (1000, 1025)] {
            assert_eq!(evened(Duration::from_millis(taken)), Duration::from_millis(sent), "{taken}");
        }
    }
}

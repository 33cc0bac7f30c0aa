//! The consent that a request needs from the users whom it puts into a conversation.

use std::collections::BTreeSet;

use shared::{
    App,
    http::Problem,
    ids::UserId,
    model::user::Contact,
    store::{consent::Consent, items::User},
};

/// Returns the consent that `actor` needs to put users into a conversation. `users` are the profiles of those who may not
/// be participants yet. Nothing is read if the deployment or all of the users ask for no consent.
pub(crate) async fn consent(app: &App, actor: UserId, users: &[User]) -> Result<Consent, Problem> {
    if app.config.contact == Contact::Everyone {
        return Ok(Consent::not_needed());
    }
    let is_free = |user: &User| user.id == actor || user.contact() == Contact::Everyone;
    let asked = users.iter().filter(|user| !is_free(user)).map(|user| user.id);
    // In one order, so that a simulated history can be repeated.
    let asked: Vec<UserId> = asked.collect::<BTreeSet<_>>().into_iter().collect();
    let mut known = app.store.acquaintances(actor, &asked).await?;
    known.extend(users.iter().filter(|user| is_free(user)).map(|user| user.id));
    Ok(Consent::needed_except(known))
}

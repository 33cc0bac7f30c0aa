//! The tickets that open WebSocket connections.

use super::{
    Store, StoreError, Time,
    error::classify,
    items::{Item, Ticket},
    ops::{Expression, decode},
    table::Key,
};

impl Store {
    /// Puts a new ticket. The digest is random, so a retry puts the same item. If this call fails, the ticket may exist, but no
    /// client has it. A try that arrives after the ticket was used makes it valid again, for the rest of its 30 seconds and
    /// for the client that had it.
    pub async fn put_ticket(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.put(&Item::Ticket(ticket.clone()), Expression::default()).await.map(drop)
    }

    /// Deletes the ticket with this digest and returns it; `None` if there is none, or if it is not valid any more at
    /// `now`. Of two calls, only one gets the ticket, because the deletion returns the item that it deletes.
    ///
    /// If the answer of the deletion is lost, the retry finds no ticket, and the client has to request another one.
    pub async fn take_ticket(&self, digest: &str, now: Time) -> Result<Option<Ticket>, StoreError> {
        use aws_sdk_dynamodb::types::ReturnValue;
        let key = Key::ticket(digest).into_attributes();
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let answer = request.return_values(ReturnValue::AllOld).send().await.map_err(classify)?;
        let old = decode(answer.attributes.filter(|item| !item.is_empty()))?;
        Ok(old.and_then(Item::into_ticket).filter(|ticket| ticket.expires_at > now))
    }
}

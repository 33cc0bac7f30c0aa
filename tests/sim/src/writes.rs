//! The single writes in a call: a put, an update or a deletion of one item, alone or as a step of a transaction.

use serde_json::{Map, Value};

use crate::{call::Call, stream};

/// Returns the kind of a call that writes: its operation, and for each item the beginning of its key and the attributes that an
/// update sets.
pub fn kind(call: &Call, writes: &[Write]) -> String {
    let mut kinds: Vec<String> = writes
        .iter()
        .map(|write| format!("{:?} {} {}", write.kind, stream::kind(&write.sk), write.sets.join(" ")))
        .collect();
    kinds.sort();
    kinds.dedup();
    format!("{} {}", call.name, kinds.join(", "))
}

/// The kind of a single write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Put,
    Update,
    Delete,
    /// A step that checks an item and changes nothing.
    Check,
}

/// A write of one item.
#[derive(Debug, Clone)]
pub struct Write {
    pub kind: Kind,
    pub pk: String,
    pub sk: String,
    /// The names of the attributes that an update sets.
    pub sets: Vec<String>,
    /// The values of an update or of a condition, by their placeholders without the colon.
    values: Map<String, Value>,
    pub has_condition: bool,
    /// The item of a put, in the format of DynamoDB.
    pub item: Option<Value>,
}

impl Write {
    /// Returns the writes in a call.
    pub fn all(call: &Call) -> Vec<Self> {
        let body = &call.body;
        let single = |kind: &str, body: &Value| Self::new(kind, body).into_iter().collect();
        match call.name.as_str() {
            "PutItem" => single("Put", body),
            "UpdateItem" => single("Update", body),
            "DeleteItem" => single("Delete", body),
            "TransactWriteItems" => steps(body["TransactItems"].as_array()),
            "BatchWriteItem" => {
                let tables = body["RequestItems"].as_object().into_iter().flatten();
                tables.flat_map(|(_, requests)| steps(requests.as_array())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn new(kind: &str, body: &Value) -> Option<Self> {
        let (kind, key) = match kind {
            "Put" | "PutRequest" => (Kind::Put, &body["Item"]),
            "Update" => (Kind::Update, &body["Key"]),
            "Delete" | "DeleteRequest" => (Kind::Delete, &body["Key"]),
            "ConditionCheck" => (Kind::Check, &body["Key"]),
            _ => return None,
        };
        let text = |name: &str| Some(key[name]["S"].as_str()?.to_owned());
        let update = body["UpdateExpression"].as_str().unwrap_or_default();
        // "SET #read = :read, #base = :base": the text before each sign of equality ends with a name.
        let before = update.split('=').filter_map(|part| part.rsplit_once('#'));
        let sets = before.map(|(_, name)| name.trim().to_owned()).collect();
        let values = body["ExpressionAttributeValues"].as_object().cloned().unwrap_or_default();
        let values = values.into_iter().map(|(name, value)| (name.trim_start_matches(':').to_owned(), value));
        Some(Self {
            kind,
            pk: text("pk")?,
            sk: text("sk")?,
            sets,
            values: values.collect(),
            has_condition: body["ConditionExpression"].is_string(),
            item: (kind == Kind::Put).then(|| key.clone()),
        })
    }

    /// Returns true if the sort key begins with `prefix`.
    pub fn is_of(&self, prefix: &str) -> bool {
        self.sk.starts_with(prefix)
    }

    /// Returns true if this is an update that sets the attribute.
    pub fn sets(&self, name: &str) -> bool {
        self.sets.iter().any(|set| set == name)
    }

    /// Returns true if the write uses a value with this placeholder.
    pub fn has_value(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }
}

fn steps(steps: Option<&Vec<Value>>) -> Vec<Write> {
    let steps = steps.into_iter().flatten().filter_map(Value::as_object);
    steps.flatten().filter_map(|(kind, body)| Write::new(kind, body)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_steps_of_a_transaction_are_writes() {
        let update = json!({
            "Key": {"pk": {"S": "CONV#c"}, "sk": {"S": "MEMBER#u"}},
            "UpdateExpression": "SET #base = :tail, #hidden = :hidden",
            "ConditionExpression": "#base <= :tail",
            "ExpressionAttributeValues": {":tail": {"N": "3"}, ":hidden": {"BOOL": true}},
        });
        let put = json!({"Item": {"pk": {"S": "CONV#c"}, "sk": {"S": "META"}}});
        let body = json!({"TransactItems": [{"Update": update}, {"Put": put}]});
        let writes = Write::all(&Call::parse("TransactWriteItems", body.to_string().as_bytes()));
        assert_eq!(writes.len(), 2);
        assert_eq!((writes[0].kind, writes[0].sets.join(" ").as_str()), (Kind::Update, "base hidden"));
        assert!(writes[0].is_of("MEMBER#") && writes[0].has_value("tail") && writes[0].has_condition);
        assert_eq!((writes[1].kind, writes[1].has_condition), (Kind::Put, false));
    }
}

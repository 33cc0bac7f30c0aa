//! The IAM roles of `template.yaml`, evaluated as IAM does. The proxy refuses each call that the role of its function
//! does not allow, in every test, and records the used permissions, so that a test can list the unused ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use serde_json::Value;

use super::{
    call::{Call, Operation},
    environment,
};

const TABLE: &str = "table/${TableName}";
const INDEX: &str = "table/${TableName}/index/gsi1";

static ROLES: LazyLock<BTreeMap<String, Role>> = LazyLock::new(|| roles(&environment::template()));

/// A statement of a policy, with the elements that `template.yaml` uses.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sid: String,
    pub allows: bool,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    condition: Option<Condition>,
}

/// A condition on `dynamodb:LeadingKeys`, the partition keys of a request.
#[derive(Debug, Clone)]
struct Condition {
    /// True for `ForAllValues`, false for `ForAnyValue`.
    all: bool,
    patterns: Vec<String>,
}

/// The permission that one call needs.
#[derive(Debug, Clone)]
pub struct Access {
    pub action: String,
    /// The part of the ARN after the account.
    pub resource: &'static str,
    /// The partition keys of the call.
    pub keys: Vec<String>,
}

/// All statements that apply to a function.
#[derive(Debug, Clone)]
pub struct Role {
    pub statements: Vec<Statement>,
}

/// Returns the one text or the list of texts.
fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned();
    value.as_array().map_or_else(|| vec![one(value)], |values| values.iter().map(one).collect())
}

impl Statement {
    fn parse(statement: &Value) -> Self {
        let condition = statement.get("Condition").map(|condition| {
            let (operator, operand) = condition.as_object().unwrap().iter().next().unwrap();
            let all = match operator.as_str() {
                "ForAllValues:StringLike" | "ForAllValues:StringEquals" => true,
                "ForAnyValue:StringLike" | "ForAnyValue:StringEquals" => false,
                other => panic!("the tests do not support the operator {other}"),
            };
            Condition { all, patterns: texts(&operand["dynamodb:LeadingKeys"]) }
        });
        Self {
            sid: statement["Sid"].as_str().unwrap().to_owned(),
            allows: statement["Effect"] == "Allow",
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
            condition,
        }
    }

    fn is_about(&self, access: &Access) -> bool {
        let action = self.actions.iter().any(|pattern| fits(pattern, &access.action));
        let resource =
            self.resources.iter().any(|arn| arn == "*" || arn.ends_with(&format!(":{}", access.resource)));
        action && resource && self.condition.as_ref().is_none_or(|condition| condition.holds(&access.keys))
    }

    /// Returns a name for each action and key pattern of the statement, for the list of used permissions.
    fn parts(&self) -> impl Iterator<Item = String> {
        let keys = self.condition.iter().flat_map(|condition| &condition.patterns);
        self.actions.iter().chain(keys).map(|part| format!("{}: {part}", self.sid))
    }
}

impl Condition {
    fn holds(&self, keys: &[String]) -> bool {
        let fits = |key: &String| self.patterns.iter().any(|pattern| fits(pattern, key));
        if self.all { keys.iter().all(fits) } else { keys.iter().any(fits) }
    }
}

/// Compares a text with a pattern; `*` at the end of the pattern matches any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, "")) => text.starts_with(start),
        Some(_) => panic!("the tests do not support the pattern {pattern}"),
        None => pattern == text,
    }
}

impl Role {
    /// Returns the statement that allows the access; `None` if no statement allows it or a statement denies it.
    pub fn allowing(&self, access: &Access) -> Option<&Statement> {
        let mut about = self.statements.iter().filter(|statement| statement.is_about(access));
        let first = about.next()?;
        (first.allows && about.all(|statement| statement.allows)).then_some(first)
    }

    pub fn denies(&self, access: &Access) -> bool {
        self.statements.iter().any(|statement| !statement.allows && statement.is_about(access))
    }
}

/// Returns the role of each function, by the name of its binary. The YAML parser ignores tags such as `!GetAtt` and
/// keeps their text.
pub fn roles(template: &str) -> BTreeMap<String, Role> {
    let template: Value = serde_saphyr::from_str(template).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let functions = resources.values().filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions
        .map(|function| {
            let name = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
            let role = function["Properties"]["Role"].as_str().unwrap().trim_end_matches(".Arn");
            let role = &resources[role]["Properties"];
            let managed = role["ManagedPolicyArns"].as_array().into_iter().flatten();
            let managed =
                managed.map(|policy| &resources[policy.as_str().unwrap()]["Properties"]["PolicyDocument"]);
            let own =
                role["Policies"].as_array().into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
            let statements = managed.chain(own).flat_map(|policy| policy["Statement"].as_array().unwrap());
            (name.to_owned(), Role { statements: statements.map(Statement::parse).collect() })
        })
        .collect()
}

/// Returns the names of all functions.
pub fn functions() -> Vec<String> {
    ROLES.keys().cloned().collect()
}

/// Returns the permissions that a call needs: one for each step of a transaction.
pub fn accesses(call: &Call) -> Vec<Access> {
    let resource = if call.body.get("IndexName").is_some() { INDEX } else { TABLE };
    if call.operation == Operation::Transact {
        let steps = call.body["TransactItems"].as_array().unwrap().iter();
        return steps
            .flat_map(|step| step.as_object().unwrap())
            .map(|(kind, step)| {
                let action = match kind.as_str() {
                    "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
                    kind => format!("dynamodb:{kind}Item"),
                };
                Access { action, resource, keys: partitions(step) }
            })
            .collect();
    }
    let keys = match call.operation {
        Operation::Query => {
            vec![call.body["ExpressionAttributeValues"][":pk"]["S"].as_str().unwrap().to_owned()]
        }
        _ => partitions(&call.body),
    };
    vec![Access { action: format!("dynamodb:{}", call.name), resource, keys }]
}

/// Returns the partition keys of every key and item in a request.
fn partitions(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => match fields.get("pk").and_then(|pk| pk["S"].as_str()) {
            Some(pk) => vec![pk.to_owned()],
            None => fields
                .iter()
                .filter(|(name, _)| *name != "ExpressionAttributeValues")
                .flat_map(|(_, value)| partitions(value))
                .collect(),
        },
        Value::Array(values) => values.iter().flat_map(partitions).collect(),
        _ => Vec::new(),
    }
}

/// The permissions that functions have used. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Used(Arc<Mutex<Ticks>>);

#[derive(Debug, Default)]
struct Ticks {
    used: BTreeSet<(String, String)>,
    refused: BTreeSet<String>,
}

impl Used {
    /// Returns the permissions that the roles grant and no call has used.
    pub fn superfluous(&self) -> Vec<String> {
        let ticks = self.0.lock().unwrap();
        let all = ROLES.iter().flat_map(|(function, role)| {
            let allowed = role.statements.iter().filter(|statement| {
                // Lambda reads the stream itself.
                let of_stream = statement.resources.iter().any(|arn| arn.contains("/stream/"));
                statement.allows
                    && !of_stream
                    && statement.actions.iter().any(|action| action.starts_with("dynamodb:"))
            });
            allowed.flat_map(Statement::parts).map(|part| (function.clone(), part))
        });
        let superfluous = all.filter(|part| !ticks.used.contains(part));
        superfluous.map(|(function, part)| format!("{function}: {part}")).collect()
    }

    pub fn assert_allowed(&self) {
        let refused = &self.0.lock().unwrap().refused;
        assert!(refused.is_empty(), "the roles in the template do not allow {refused:#?}");
    }

    fn refuse(&self, function: &str, access: &Access) {
        self.0.lock().unwrap().refused.insert(format!("{function}: {access:?}"));
    }

    fn tick(&self, function: &str, statement: &Statement, access: &Access) {
        let used = &mut self.0.lock().unwrap().used;
        let keys = statement.condition.iter().flat_map(|condition| &condition.patterns);
        let keys = keys.filter(|pattern| access.keys.iter().any(|key| fits(pattern, key)));
        for part in [&access.action].into_iter().chain(keys) {
            used.insert((function.to_owned(), format!("{}: {part}", statement.sid)));
        }
    }
}

/// Returns true if the role of the function allows the call. Calls without a function (the tests' own) are always
/// allowed.
pub fn allow(function: &str, call: &Call, used: &Used) -> bool {
    if function.is_empty() {
        return true;
    }
    let role = &ROLES[function];
    accesses(call).iter().all(|access| {
        let allowing = role.allowing(access);
        match allowing {
            Some(statement) => used.tick(function, statement, access),
            None => used.refuse(function, access),
        }
        allowing.is_some()
    })
}

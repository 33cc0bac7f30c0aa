//! The filters of an event source
//! (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax>). A pattern that is not
//! understood is an error, so that no record is lost or added in silence.

use serde_json::{Map, Value};

/// The filters of an event source. A record passes if one of them fits, or if there are none.
#[derive(Debug, Clone, Default)]
pub struct Filter(Vec<Pattern>);

/// A pattern in the template that is not understood.
#[derive(Debug, thiserror::Error)]
#[error("the filter {0} in template.yaml is not understood")]
pub struct FilterError(String);

#[derive(Debug, Clone)]
enum Pattern {
    /// All members must fit.
    Members(Vec<(String, Pattern)>),
    /// One of the patterns must fit.
    Any(Vec<Pattern>),
    /// One of the rules must fit the value.
    Rules(Vec<Rule>),
}

#[derive(Debug, Clone)]
enum Rule {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    AnythingBut(Vec<Rule>),
    Exists(bool),
    /// Comparisons that must all be true.
    Numeric(Vec<(Comparison, f64)>),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Reads the patterns, which are JSON.
    pub fn parse(patterns: &[String]) -> Result<Self, FilterError> {
        let parsed = patterns.iter().map(|text| {
            let pattern = serde_json::from_str(text).ok().and_then(|json: Value| Pattern::parse(&json));
            pattern.ok_or_else(|| FilterError(text.clone()))
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Returns true if a record passes.
    #[must_use]
    pub fn passes(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.fits(Some(record)))
    }
}

impl Pattern {
    fn parse(json: &Value) -> Option<Self> {
        match json {
            Value::Object(members) => Self::members(members),
            Value::Array(rules) if !rules.is_empty() => {
                rules.iter().map(Rule::parse).collect::<Option<_>>().map(Self::Rules)
            }
            _ => None,
        }
    }

    fn members(members: &Map<String, Value>) -> Option<Self> {
        let parsed = members.iter().map(|(name, value)| {
            let pattern = match (name.as_str(), value) {
                ("$or", Value::Array(any)) => Self::Any(any.iter().map(Self::parse).collect::<Option<_>>()?),
                _ => Self::parse(value)?,
            };
            Some((name.clone(), pattern))
        });
        parsed.collect::<Option<_>>().map(Self::Members)
    }

    fn fits(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Members(members) => members.iter().all(|(name, pattern)| match pattern {
                Self::Any(_) => pattern.fits(value),
                _ => pattern.fits(value.and_then(|value| value.get(name))),
            }),
            Self::Any(any) => any.iter().any(|pattern| pattern.fits(value)),
            Self::Rules(rules) => match value {
                // One element of a list is enough.
                Some(Value::Array(values)) => {
                    values.iter().any(|value| rules.iter().any(|rule| rule.fits(Some(value))))
                }
                value => rules.iter().any(|rule| rule.fits(value)),
            },
        }
    }
}

impl Rule {
    fn parse(json: &Value) -> Option<Self> {
        let Value::Object(operation) = json else {
            return (!json.is_array()).then(|| Self::Equals(json.clone()));
        };
        let mut operations = operation.iter();
        let (Some((name, operand)), None) = (operations.next(), operations.next()) else {
            return None;
        };
        let text = || operand.as_str().map(str::to_owned);
        match name.as_str() {
            "prefix" => text().map(Self::Prefix),
            "suffix" => text().map(Self::Suffix),
            "equals-ignore-case" => text().map(Self::EqualsIgnoreCase),
            "exists" => operand.as_bool().map(Self::Exists),
            "anything-but" => {
                let one = std::slice::from_ref(operand);
                let operands = operand.as_array().map_or(one, Vec::as_slice);
                operands.iter().map(Self::parse).collect::<Option<_>>().map(Self::AnythingBut)
            }
            "numeric" => comparisons(operand.as_array()?).map(Self::Numeric),
            _ => None,
        }
    }

    fn fits(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else {
            return matches!(self, Self::Exists(false));
        };
        let text = value.as_str();
        match self {
            Self::Equals(expected) => value == expected,
            Self::Prefix(start) => text.is_some_and(|text| text.starts_with(start.as_str())),
            Self::Suffix(end) => text.is_some_and(|text| text.ends_with(end.as_str())),
            Self::EqualsIgnoreCase(expected) => {
                text.is_some_and(|text| text.to_lowercase() == expected.to_lowercase())
            }
            Self::AnythingBut(rules) => !rules.iter().any(|rule| rule.fits(Some(value))),
            // Lambda's `exists` is about values, not about objects.
            Self::Exists(expected) => *expected != value.is_object(),
            Self::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons.iter().all(|(comparison, other)| comparison.holds(number, *other))
            }),
        }
    }
}

/// Reads comparisons such as `[">=", 1, "<", 5]`.
fn comparisons(operands: &[Value]) -> Option<Vec<(Comparison, f64)>> {
    let pairs = operands.chunks(2).map(|pair| {
        let [comparison, number] = pair else {
            return None;
        };
        Some((Comparison::parse(comparison.as_str()?)?, number.as_f64()?))
    });
    pairs.collect()
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, number: f64, other: f64) -> bool {
        match self {
            Self::Equal => (number - other).abs() < f64::EPSILON,
            Self::Less => number < other,
            Self::LessOrEqual => number <= other,
            Self::Greater => number > other,
            Self::GreaterOrEqual => number >= other,
        }
    }
}

//! The table and the event source of its stream as defined in the repository's `template.yaml`, so that local runs and
//! tests use the deployed definitions. Everything else, such as `CloudFormation`'s short tags, is ignored.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;
use shared::store::TableDefinition;

const TEMPLATE: &str = include_str!("../../template.yaml");
const TABLE: &str = "AWS::DynamoDB::Table";
const FUNCTION: &str = "AWS::Serverless::Function";

/// The template contains no valid definition of one table. The template is compiled in, so this is a defect of the
/// program.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file is not YAML, or not a template.
    #[error("cannot read template.yaml: {0}")]
    Yaml(String),
    /// The number of tables in the template, which is not one.
    #[error("template.yaml must have one resource of type {TABLE}, and has {0}")]
    Tables(usize),
    /// The table or the event source has no property of this name, or an invalid one.
    #[error("the table or the event source in template.yaml is not complete: {0}")]
    Properties(#[from] serde_json::Error),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

/// Returns the definition of the table in `template.yaml`.
pub fn table() -> Result<TableDefinition, TemplateError> {
    table_of(TEMPLATE)
}

/// The settings of the event source that gives the records of the stream to `deliver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// The maximum number of records of one batch.
    pub batch_size: usize,
    /// The number of repetitions after which records are given up; `None` if there is no limit.
    pub retries: Option<u32>,
    /// The age at which records are given up after a failure; `None` if there is no limit.
    pub max_age: Option<TimeDelta>,
    /// True if a batch is cut in two after the function has failed.
    pub bisects: bool,
    /// The patterns of the filters. Without a pattern, all records pass.
    pub patterns: Vec<String>,
}

/// The properties of an event source, with the defaults of Lambda.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EventSourceProperties {
    batch_size: usize,
    maximum_retry_attempts: i64,
    maximum_record_age_in_seconds: i64,
    bisect_batch_on_function_error: bool,
    filter_criteria: FilterCriteria,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FilterCriteria {
    filters: Vec<FilterPattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterPattern {
    pattern: String,
}

impl Default for EventSourceProperties {
    fn default() -> Self {
        Self {
            batch_size: 100,
            maximum_retry_attempts: -1,
            maximum_record_age_in_seconds: -1,
            bisect_batch_on_function_error: false,
            filter_criteria: FilterCriteria::default(),
        }
    }
}

impl From<EventSourceProperties> for EventSource {
    fn from(properties: EventSourceProperties) -> Self {
        // A negative number means that there is no limit.
        let age = Some(properties.maximum_record_age_in_seconds).filter(|age| *age >= 0);
        Self {
            batch_size: properties.batch_size,
            retries: u32::try_from(properties.maximum_retry_attempts).ok(),
            max_age: age.and_then(TimeDelta::try_seconds),
            bisects: properties.bisect_batch_on_function_error,
            patterns: properties.filter_criteria.filters.into_iter().map(|filter| filter.pattern).collect(),
        }
    }
}

/// Returns the event source of the function `deliver` in `template.yaml`; the defaults of Lambda if there is none.
pub fn event_source() -> Result<EventSource, TemplateError> {
    event_source_of(TEMPLATE)
}

fn event_source_of(template: &str) -> Result<EventSource, TemplateError> {
    let resources = read(template)?.into_values();
    let mut functions = resources.filter(|resource| {
        resource.r#type == FUNCTION && resource.metadata["BuildProperties"]["Binary"] == "deliver"
    });
    let mut events =
        functions.next().map(|function| function.properties["Events"].clone()).unwrap_or_default();
    let source = events.as_object_mut().and_then(|events| {
        events.values_mut().find(|event| event["Type"] == "DynamoDB").map(|event| event["Properties"].take())
    });
    let properties: Option<EventSourceProperties> = source.map(serde_json::from_value).transpose()?;
    Ok(properties.unwrap_or_default().into())
}

fn read(template: &str) -> Result<BTreeMap<String, Resource>, TemplateError> {
    // The parser ignores unknown tags (`!Ref`, `!If`) and keeps their values.
    let template: Template = serde_saphyr::from_str(template)
        .map_err(|error| TemplateError::Yaml(error.to_string().replace('\n', " ")))?;
    Ok(template.resources)
}

fn table_of(template: &str) -> Result<TableDefinition, TemplateError> {
    let resources = read(template)?.into_values();
    let mut tables: Vec<_> = resources.filter(|resource| resource.r#type == TABLE).collect();
    match (tables.pop(), tables.len()) {
        (Some(table), 0) => Ok(serde_json::from_value(table.properties)?),
        (None, _) => Err(TemplateError::Tables(0)),
        (Some(_), others) => Err(TemplateError::Tables(others + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGGED: &str = include_str!("template/fixture.yaml");

    #[test]
    fn the_deployed_table_is_read() {
        let table = table().unwrap();
        let keys = table.key_schema.iter().map(|key| &*key.attribute_name);
        assert_eq!(keys.collect::<Vec<_>>(), ["pk", "sk"]);
        assert_eq!(table.global_secondary_indexes[0].index_name, "gsi1");
        assert_eq!(table.time_to_live_specification.attribute_name, "expires_at");
        assert_eq!(table.stream_specification.stream_view_type, "NEW_AND_OLD_IMAGES");
    }

    #[test]
    fn short_tags_around_the_table_do_no_harm() {
        assert!(TAGGED.contains("!If") && TAGGED.contains("!Sub") && TAGGED.contains("!GetAtt"));
        assert_eq!(table_of(TAGGED).unwrap().attribute_definitions.len(), 4);
    }

    #[test]
    fn the_event_source_of_deliver_is_read() {
        let template = |properties: &str| {
            let function = |binary: &str, properties: &str| {
                format!(
                    "  {binary}: {{Type: 'AWS::Serverless::Function', Metadata: {{BuildProperties: {{Binary: {binary}}}}}, \
                     Properties: {{Events: {{Queue: {{Type: SQS}}, Stream: {{Type: DynamoDB, Properties: {properties}}}}}}}}}\n"
                )
            };
            format!(
                "Resources:\n{}{}",
                function("realtime", "{BatchSize: 7}"),
                function("deliver", properties)
            )
        };
        let all = "{BatchSize: 50, MaximumRetryAttempts: 9, MaximumRecordAgeInSeconds: 600, \
                   BisectBatchOnFunctionError: true, StartingPosition: TRIM_HORIZON, Stream: !GetAtt Table.StreamArn, \
                   FilterCriteria: {Filters: [{Pattern: a}, {Pattern: b}]}}";
        let source = EventSource {
            batch_size: 50,
            retries: Some(9),
            max_age: TimeDelta::try_seconds(600),
            bisects: true,
            patterns: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(event_source_of(&template(all)).unwrap(), source);
        let defaults = EventSource {
            batch_size: 100,
            retries: None,
            max_age: None,
            bisects: false,
            patterns: Vec::new(),
        };
        assert_eq!(event_source_of(&template("{}")).unwrap(), defaults);
        let unlimited = "{MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1}";
        assert_eq!(event_source_of(&template(unlimited)).unwrap(), defaults);
        assert_eq!(event_source_of(TAGGED).unwrap(), defaults);
        assert!(event_source_of(&template("{BatchSize: many}")).is_err());
        event_source().unwrap();
    }

    #[test]
    fn no_table_and_two_tables_are_refused() {
        let one = "  A: {Type: 'AWS::DynamoDB::Table', Properties: {}}\n";
        let resources =
            |text: &str| table_of(&format!("Resources:\n  Q: {{Type: 'AWS::SQS::Queue'}}\n{text}"));
        assert!(matches!(resources(""), Err(TemplateError::Tables(0))));
        assert!(matches!(resources(one), Err(TemplateError::Properties(_))));
        let two = format!("{one}{}", one.replace("A:", "B:"));
        assert!(matches!(resources(&two), Err(TemplateError::Tables(2))));
        assert!(matches!(table_of(": ["), Err(TemplateError::Yaml(_))));
    }
}

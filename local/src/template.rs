//! The table as defined in the repository's `template.yaml`, so that local runs and tests use the deployed definition.
//! Only this resource is read; everything else, such as `CloudFormation`'s short tags, is ignored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use shared::store::TableDefinition;

const TEMPLATE: &str = include_str!("../../template.yaml");
const TABLE: &str = "AWS::DynamoDB::Table";

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
    /// The table has no property of this name, or an invalid one.
    #[error("the table in template.yaml is not complete: {0}")]
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
    properties: Value,
}

/// Returns the definition of the table in `template.yaml`.
pub fn table() -> Result<TableDefinition, TemplateError> {
    table_of(TEMPLATE)
}

fn table_of(template: &str) -> Result<TableDefinition, TemplateError> {
    // The parser ignores unknown tags (`!Ref`, `!If`) and keeps their values.
    let template: Template = serde_saphyr::from_str(template)
        .map_err(|error| TemplateError::Yaml(error.to_string().replace('\n', " ")))?;
    let resources = template.resources.into_values();
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

//! Creates the table for local runs and tests from the definition in `template.yaml`, which a deployment uses too. In a
//! deployment, CloudFormation creates the table.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus,
        TimeToLiveSpecification,
    },
};
use serde::Deserialize;

use super::{Store, StoreError, error::classify};

/// The properties of an `AWS::DynamoDB::Table` that affect the behaviour of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct TableDefinition {
    pub attribute_definitions: Vec<Attribute>,
    pub key_schema: Vec<KeyElement>,
    pub global_secondary_indexes: Vec<Index>,
    pub time_to_live_specification: TimeToLive,
    pub stream_specification: Stream,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct Attribute {
    pub attribute_name: String,
    pub attribute_type: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct KeyElement {
    pub attribute_name: String,
    pub key_type: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
#[expect(clippy::struct_field_names, reason = "the names are CloudFormation's")]
pub struct Index {
    pub index_name: String,
    pub key_schema: Vec<KeyElement>,
    pub projection: IndexProjection,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct IndexProjection {
    pub projection_type: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct TimeToLive {
    pub attribute_name: String,
    pub enabled: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are CloudFormation's")]
pub struct Stream {
    pub stream_view_type: String,
}

fn malformed(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Refused(error.into())
}

fn key_schema(elements: &[KeyElement]) -> Result<Vec<KeySchemaElement>, StoreError> {
    let element = |element: &KeyElement| {
        KeySchemaElement::builder()
            .attribute_name(&element.attribute_name)
            .key_type(KeyType::from(element.key_type.as_str()))
            .build()
            .map_err(malformed)
    };
    elements.iter().map(element).collect()
}

impl Index {
    fn build(&self) -> Result<GlobalSecondaryIndex, StoreError> {
        let projection = ProjectionType::from(self.projection.projection_type.as_str());
        GlobalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(key_schema(&self.key_schema)?))
            .projection(Projection::builder().projection_type(projection).build())
            .build()
            .map_err(malformed)
    }
}

impl TableDefinition {
    fn attributes(&self) -> Result<Vec<AttributeDefinition>, StoreError> {
        let attribute = |attribute: &Attribute| {
            AttributeDefinition::builder()
                .attribute_name(&attribute.attribute_name)
                .attribute_type(ScalarAttributeType::from(attribute.attribute_type.as_str()))
                .build()
                .map_err(malformed)
        };
        self.attribute_definitions.iter().map(attribute).collect()
    }

    fn stream(&self) -> Result<StreamSpecification, StoreError> {
        let view = StreamViewType::from(self.stream_specification.stream_view_type.as_str());
        StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build().map_err(malformed)
    }

    fn time_to_live(&self) -> Result<TimeToLiveSpecification, StoreError> {
        let ttl = &self.time_to_live_specification;
        TimeToLiveSpecification::builder()
            .attribute_name(&ttl.attribute_name)
            .enabled(ttl.enabled)
            .build()
            .map_err(malformed)
    }
}

impl Store {
    /// Creates the table and waits until it is active. Returns false if the table already exists; it is not changed
    /// then.
    pub async fn create_table(&self, definition: &TableDefinition) -> Result<bool, StoreError> {
        if self.status().await?.is_some() {
            return self.await_active().await.map(|()| false);
        }
        let indexes =
            definition.global_secondary_indexes.iter().map(Index::build).collect::<Result<_, _>>()?;
        let created = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(definition.attributes()?))
            .set_key_schema(Some(key_schema(&definition.key_schema)?))
            .set_global_secondary_indexes(Some(indexes))
            .stream_specification(definition.stream()?)
            .send()
            .await;
        // Another process may have created the table since its status was read. It used the same definition.
        if let Err(error) = created
            && error.code() != Some("ResourceInUseException")
        {
            return Err(classify(error));
        }
        self.await_active().await?;
        self.enable_time_to_live(definition).await.map(|()| true)
    }

    async fn enable_time_to_live(&self, definition: &TableDefinition) -> Result<(), StoreError> {
        let specification = definition.time_to_live()?;
        let update = self.client.update_time_to_live().table_name(&self.table);
        update.time_to_live_specification(specification).send().await.map(drop).map_err(classify)
    }

    async fn status(&self) -> Result<Option<TableStatus>, StoreError> {
        match self.client.describe_table().table_name(&self.table).send().await {
            Ok(description) => Ok(description.table.and_then(|table| table.table_status)),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(classify(error)),
        }
    }

    async fn await_active(&self) -> Result<(), StoreError> {
        while self.status().await? != Some(TableStatus::Active) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

//! Types whose description gives way to that of a field.

/// Drops the description of a type, so that the one of the field that has the type is kept.
pub(super) fn undescribed(schema: &mut schemars::Schema) {
    schema.remove("description");
}

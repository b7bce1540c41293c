//! Members that several requests have.

use super::shape::{Letters, Shape, required, text};

pub(super) const ID: Shape = text(1, 50, Letters::Name);
pub(super) const ARN: Shape = text(1, 2048, Letters::Arn);
pub(super) const NO_SQL: Shape = Shape::Refused("SQL applications are not served by this emulator");

pub(super) const SUBNETS: Shape = Shape::List {
    min: 1,
    max: 16,
    of: &text(1, 2048, Letters::Any),
};
pub(super) const SECURITY_GROUPS: Shape = Shape::List {
    min: 1,
    max: 5,
    of: &text(1, 2048, Letters::Any),
};
pub(super) const VPC: Shape = Shape::Fields(&[
    required("SubnetIds", &SUBNETS),
    required("SecurityGroupIds", &SECURITY_GROUPS),
]);

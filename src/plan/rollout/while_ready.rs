//! The calls of a change while nothing runs.

use crate::plan::diff::Difference;
use crate::plan::step::{Fence, Step};
use crate::world::Observed;

/// The first of the calls that bring the configuration while nothing runs; those that may be refused come first, so that
/// little has to be taken back when one is.
pub(in crate::plan) fn change_while_ready(app: &Observed, difference: &Difference) -> Option<Step> {
    let fence = || Fence {
        token: app.token.clone(),
    };
    if let Some(vpc) = &difference.add_vpc {
        return Some(Step::AddVpc {
            vpc: vpc.clone(),
            fence: fence(),
        });
    }
    if let Some(log_stream_arn) = &difference.add_log_stream {
        return Some(Step::AddLogging {
            log_stream_arn: log_stream_arn.clone(),
            fence: fence(),
        });
    }
    if let Some(id) = difference.remove_vpcs.first() {
        return Some(Step::RemoveVpc {
            id: id.clone(),
            fence: fence(),
        });
    }
    if let Some(id) = difference.remove_log_streams.first() {
        return Some(Step::RemoveLogging {
            id: id.clone(),
            fence: fence(),
        });
    }
    if difference.is_empty() {
        return None;
    }
    Some(Step::Update {
        change: Box::new(difference.change.clone()),
        run: None,
        fence: fence(),
    })
}

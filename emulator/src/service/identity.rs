//! Ids, tokens and ARNs. Ids come from a counter, so that the same calls give the same ids.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The source of every id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ids {
    counter: u64,
}

impl Ids {
    /// The next number; every number comes once.
    pub(crate) fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn digest(&mut self, kind: &str) -> Vec<u8> {
        let number = self.number();
        Sha256::digest(format!("{kind}/{number}").as_bytes()).to_vec()
    }

    /// Twelve letters and digits, as the service's operation ids are (facts §2.4).
    pub(crate) fn operation(&mut self) -> String {
        letters(&self.digest("operation"), 12)
    }

    /// An opaque token that is another for every version.
    pub(crate) fn token(&mut self) -> String {
        format!("{}==", letters(&self.digest("token"), 22))
    }

    /// A name for an automatic snapshot. The service's format is not known, so nobody may read one out of it
    /// (facts §4.6).
    pub(crate) fn snapshot(&mut self) -> String {
        letters(&self.digest("snapshot"), 20)
    }

    /// The token of a pre-signed URL.
    pub(crate) fn session(&mut self) -> String {
        letters(&self.digest("session"), 32)
    }

    /// A Flink job id.
    pub(crate) fn job(&mut self) -> String {
        hex(&self.digest("job")).chars().take(32).collect()
    }
}

/// A request id in the form of a UUID, another for each number.
pub(crate) fn request_id(number: u64) -> String {
    format!("{:08x}-0000-4000-a000-{:012x}", number >> 32, number & 0xffff_ffff)
}

fn letters(bytes: &[u8], count: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bytes
        .iter()
        .take(count)
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).map_or('0', |digit| char::from(*digit));
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The partition of a region, the second part of an ARN.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// The ARN of an application.
pub(crate) fn application_arn(region: &str, account: &str, name: &str) -> String {
    format!(
        "arn:{}:kinesisanalytics:{region}:{account}:application/{name}",
        partition(region)
    )
}

/// The VPC that a subnet lies in. The service looks it up (facts §1.14); here all subnets of a region share one.
pub(crate) fn vpc_of(region: &str) -> String {
    let digest = hex(&Sha256::digest(region.as_bytes()));
    format!("vpc-0{}", digest.get(..16).unwrap_or_default())
}

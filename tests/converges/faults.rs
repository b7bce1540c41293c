//! What can go wrong with one request of the controller.

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The process dies before it sends the request.
    CrashBefore,
    /// The request takes effect and the process dies before it reads the answer.
    CrashAfter,
    /// The request takes effect and the connection breaks before the answer.
    LostReply,
    /// The connection breaks and the request takes effect some seconds later.
    Late,
    /// Somebody else writes the object first.
    Conflict,
}

/// A fault and the request that it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the request among those that change something.
    pub point: u32,
    /// What happens to it.
    pub kind: Kind,
}

impl Kind {
    /// What can happen to a mutating call of the service.
    pub fn of_call(operation: &str) -> Vec<Self> {
        let mut kinds = vec![Self::CrashBefore, Self::CrashAfter, Self::LostReply];
        let unfenced_or_long = [
            "StartApplication",
            "StopApplication",
            "UpdateApplication",
            "RollbackApplication",
        ];
        if unfenced_or_long.contains(&operation) {
            kinds.push(Self::Late);
        }
        kinds
    }

    /// What can happen to a write to the API server.
    pub fn of_write() -> Vec<Self> {
        vec![Self::CrashBefore, Self::CrashAfter, Self::LostReply, Self::Conflict]
    }
}

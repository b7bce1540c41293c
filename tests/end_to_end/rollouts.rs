//! What becomes of changes that fail: the gate that finds them and the ways back.

mod blindness;
mod broken_starts;
mod change_control;
mod gitops;
mod held_back;
mod kills;
mod looping_jobs;
mod policies;
mod release;
mod reverts;
mod secrets;
mod ways_back;

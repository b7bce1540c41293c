//! What takes minutes of the wall clock, whatever the speed of the service: a minute of rest, schedules and counters by the
//! minute, a service that answers one call in a second. These tests mostly wait, and their names put them first, so that
//! all the others run meanwhile.

mod health;
mod no_loops;
mod rest;
mod scarcity;
mod scheduled_snapshots;

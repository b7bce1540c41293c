//! What takes minutes of the wall clock, whatever the speed of the service: a minute of rest, schedules and counters by the
//! minute. These tests mostly wait, and their names put them first, so that all the others run meanwhile.

mod no_loops;
mod rest;
mod scheduled_snapshots;

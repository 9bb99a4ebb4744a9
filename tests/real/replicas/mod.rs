//! Several authseals that share a Redis, behind nginx.

mod dump;
mod fleet;
mod hand_over;
mod killed;
mod nginx;
mod outages;
mod partitions;
mod redis;
mod single_use;
mod stable;
mod tap;
mod topologies;
mod window;

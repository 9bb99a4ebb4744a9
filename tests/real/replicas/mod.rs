//! Several authseals that share a Redis, behind nginx.

mod dump;
mod fleet;
mod frozen;
mod hand_over;
mod killed;
mod limited;
mod moving;
mod nginx;
mod outages;
mod partitions;
mod redis;
mod revoking;
mod rotating;
mod single_use;
mod stable;
mod stopped;
mod store_settings;
mod storm;
mod tap;
mod topologies;
mod window;

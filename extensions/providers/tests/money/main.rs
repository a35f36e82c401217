//! Prices, budgets and bills, through the public API.

mod bill;
mod budget;
mod day;
mod never_more;
mod overhead;
mod prices;
mod provider;

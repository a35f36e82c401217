//! Bill.
/// x
pub struct Bill;

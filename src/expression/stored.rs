//! A register as bytes. Which kind it is, its specification says.

use std::sync::Arc;

use hashbrown::HashSet;

use super::{Register, RegisterSpec, Wide};
use crate::event::{Seeded, Value};
use crate::stored::{Damaged, Reader, Shared, Writer};

/// The values of registers that count different ones, in the order in which they were written.
pub type Distinct = Vec<Arc<HashSet<Value, Seeded>>>;

impl Register {
    /// Writes it. Values that several registers share are written once, known by `distinct`.
    pub(crate) fn write(&self, w: &mut Writer, distinct: &mut Shared) {
        match self {
            Register::Value { value, seen } => w.option(seen.then_some(value), |w, value| value.write(w)),
            Register::Count(count) => w.number((*count).unsigned_abs()),
            Register::Whole { sum, count } => {
                w.wide_signed(sum.0);
                w.number(*count);
            }
            Register::Float { sum, count } => {
                w.float(*sum);
                w.number(*count);
            }
            Register::Spread { count, mean, squares } => {
                w.number(*count);
                w.float(*mean);
                w.float(*squares);
            }
            Register::Distinct(values) => {
                let address = Arc::as_ptr(values).addr();
                let known = distinct.find(address);
                w.number(known.unwrap_or_else(|| distinct.len()).into());
                if known.is_none() {
                    distinct.add(address);
                    w.list(&**values, |w, value| value.write(w));
                }
            }
        }
    }

    /// Reads one of that kind.
    pub(crate) fn read(
        spec: &RegisterSpec,
        r: &mut Reader<'_>,
        distinct: &mut Distinct,
    ) -> Result<Register, Damaged> {
        Ok(match spec.empty() {
            Register::Value { .. } => {
                let value = r.option(Value::read)?;
                Register::Value { seen: value.is_some(), value: value.unwrap_or_default() }
            }
            Register::Count(_) => Register::Count(r.count()? as i64),
            Register::Whole { .. } => {
                let (sum, count) = (r.wide_signed()?, r.count()?);
                // So large a sum of numbers of 64 bits that more can be added.
                if sum.unsigned_abs() > u128::from(count) << 63 {
                    return Err(Damaged::new("a sum is larger than what is in it"));
                }
                Register::Whole { sum: Wide(sum), count }
            }
            Register::Float { .. } => Register::Float { sum: r.float()?, count: r.count()? },
            Register::Spread { .. } => {
                Register::Spread { count: r.count()?, mean: r.float()?, squares: r.float()? }
            }
            Register::Distinct(_) => {
                let place = r.place(distinct.len() + 1)?;
                if place == distinct.len() {
                    let values = r.list(Value::read)?;
                    distinct.push(Arc::new(values.into_iter().collect()));
                }
                Register::Distinct(Arc::clone(&distinct[place]))
            }
        })
    }
}

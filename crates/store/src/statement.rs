//! SQL in the words of both engines, listed so that one test can prepare every statement there is.

/// One statement. Both texts are the same unless PostgreSQL needs a row lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    /// The table its rows come from, for naming a corrupt one.
    pub table: &'static str,
    /// The column that names a row of that table.
    pub key: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// Declares the statements of one table and the list of them.
///
/// `NAME = "both";` or `NAME = "head", postgres "only there", "tail";`. A macro so that the list
/// cannot forget a statement: the test that prepares all of them on both engines is what makes SQL
/// that is checked at run time safe.
macro_rules! statements {
    ($table:literal, key $key:literal;
     $($name:ident = $head:literal $(, postgres $only:literal $(, $tail:literal)?)?;)+) => {
        $(const $name: $crate::statement::Statement = $crate::statement::Statement {
            table: $table,
            key: $key,
            sqlite: concat!($head $($(, $tail)?)?),
            postgres: concat!($head $(, $only $(, $tail)?)?),
        };)+
        /// Every statement of this file.
        pub(crate) const STATEMENTS: &[$crate::statement::Statement] = &[$($name),+];
    };
}
pub(crate) use statements;

/// Every statement of the store.
pub(crate) fn every_statement() -> impl Iterator<Item = &'static Statement> {
    [
        crate::attempt::STATEMENTS,
        crate::audit::STATEMENTS,
        crate::credential::STATEMENTS,
        crate::data_key::STATEMENTS,
        crate::forge::STATEMENTS,
        crate::handoff::STATEMENTS,
        crate::idempotency::STATEMENTS,
        crate::identity::STATEMENTS,
        crate::invitation::STATEMENTS,
        crate::job::STATEMENTS,
        crate::kite::STATEMENTS,
        crate::kite_code::STATEMENTS,
        crate::kite_key::STATEMENTS,
        crate::kite_share::STATEMENTS,
        crate::link::STATEMENTS,
        crate::link_refresh::STATEMENTS,
        crate::log::STATEMENTS,
        crate::member::STATEMENTS,
        crate::outbox::STATEMENTS,
        crate::registry_key::STATEMENTS,
        crate::sealed::STATEMENTS,
        crate::secret_name::STATEMENTS,
        crate::session::STATEMENTS,
        crate::setting::STATEMENTS,
        crate::snapshot::STATEMENTS,
        crate::ssh_key::STATEMENTS,
        crate::ssh_upload::STATEMENTS,
        crate::team::STATEMENTS,
        crate::token::STATEMENTS,
        crate::user::STATEMENTS,
        crate::workspace::STATEMENTS,
    ]
    .into_iter()
    .flatten()
}

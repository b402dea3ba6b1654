-- server_history(): which of the histories of its server this database follows. Postgres begins another one whenever a standby takes
-- over, or a copy is rolled forward to a point in the past: from then on commits that were acknowledged may be gone. Where the server
-- does not tell, it is the same one for ever.
create or replace function server_history() returns text language plpgsql stable as $$
begin
  return left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
exception when insufficient_privilege or feature_not_supported or undefined_function or object_not_in_prerequisite_state then
  return '';
end $$;

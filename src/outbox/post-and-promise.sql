-- post_and_promise(): one posting and what the books must hold because of it, in one commit; refused, neither.
create or replace function post_and_promise(p_network uuid, p_posting jsonb, p_deliveries jsonb) returns jsonb
language plpgsql volatile as $$
declare verdict jsonb;
begin
  verdict := ledger_post(p_network, jsonb_build_array(p_posting)) -> 0;
  if (verdict ->> 'ok')::boolean then
    perform promise_deliveries(p_network, (verdict ->> 'bookedOn')::date, null, p_deliveries);
  end if;
  return verdict;
end $$;

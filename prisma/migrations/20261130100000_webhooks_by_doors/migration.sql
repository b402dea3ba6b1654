-- Webhooks are listed, sent anew and removed through the API; what a webhook that is off has not heard is kept for it.

grant delete on webhook_address, lane to quits_worker;
create index notice_of_address on notice (network_id, address_id, happened_at desc, id desc);

-- include src/outbox/notices.sql

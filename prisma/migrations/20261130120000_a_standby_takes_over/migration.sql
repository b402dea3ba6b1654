-- Each lane knows in which history of the server it was last believed: in another one its deliveries are no longer what they were.

-- include src/outbox/server-history.sql

alter table lane add column history text not null default server_history();

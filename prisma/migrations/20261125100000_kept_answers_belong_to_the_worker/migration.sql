-- Answers kept for a repeat hold what their askers saw, of every network. The worker and the posting functions keep them;
-- whoever only looks on behalf of a person had a way to all of them, and needs none.

drop policy app on answer;
revoke all on answer from quits_app;

DROP FUNCTION workflows.place_orders;

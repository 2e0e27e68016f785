"""The slices of a timeline in lanes, merged to what a screen can show; pure, drawn by the dashboard."""

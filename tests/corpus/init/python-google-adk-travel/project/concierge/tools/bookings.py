class Bookings:
    def reserve(self, hotel: str, nights: int) -> dict:
        """Books a room."""
        return self._charge(hotel)

    def cancel(self, reference: str) -> dict:
        """Cancels a booking."""
        return {}

    def _charge(self, what: str) -> dict:
        return {}

import { View } from "../parts/frame";
export function DeliveryView(_: any) { return <View title="delivery">…</View>; }
